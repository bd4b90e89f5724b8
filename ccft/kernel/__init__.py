"""The arithmetic that loses nothing: masses in whole quanta, and the one function that divides them."""
