"""The `storegate` command: arguments, exit codes, words for people. Heavy imports happen inside the commands.

Exit codes: 0 done, 1 failed, 2 wrong usage or configuration. Facts go to stdout (`--json` for programs), progress and
errors to stderr.
"""
