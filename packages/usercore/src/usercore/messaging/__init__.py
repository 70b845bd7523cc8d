"""Messages from others: what is remembered of them, answered to them, and set aside of them."""
