"""What fit.py is made of: features of pairs, the questions they come from, and a bounded logistic fit."""
