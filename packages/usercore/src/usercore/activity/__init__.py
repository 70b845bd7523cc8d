"""What users did elsewhere: orders, payments, loyalty points, and what they amount to."""
