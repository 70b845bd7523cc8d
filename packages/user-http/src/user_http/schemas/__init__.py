"""What stands on the wire, as msgspec structs: bodies that are read, and answers as the description shows them."""
