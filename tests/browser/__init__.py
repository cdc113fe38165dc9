"""The pages in a real browser, with no internet."""
