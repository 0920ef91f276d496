"""Training on many processes: who takes part, what they exchange, and who watches over them."""
