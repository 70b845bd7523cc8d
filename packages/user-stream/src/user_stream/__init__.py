"""The stream processor of the User Service: commands, queries and facts in, effects and answers out."""
