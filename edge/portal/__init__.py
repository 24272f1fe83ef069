"""The guest Wi-Fi's front desk: who asks, by which way, under which terms; what the rules answer."""
