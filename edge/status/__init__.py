"""How the gateway is: `standing` are the numbers, `findings` what they mean in words, `gather` asks all parts."""
