"""What this product is made of: a bill of materials and the licences. For `make`; the program does not import it."""
