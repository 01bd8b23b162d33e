"""Forms made of component types: what is asked, and what was answered. No HTML, no files."""
