"""Links between accounts, and how near an account is to those in default or closed for violation."""
