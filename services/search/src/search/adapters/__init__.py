"""What search needs from outside: the vector store, the matrix, vision-models."""
