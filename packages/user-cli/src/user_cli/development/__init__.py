"""`userctl dev`: the whole service for one developer, on servers that it brings along."""
