"""Small pages for people with a browser: signing in, and what mailed links lead to."""
