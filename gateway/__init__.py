"""The router as a program: the command line, and what it starts. Imports all, and is imported by nothing."""
