"""The pages, one file each: parse, look, answer. Whoever isn't logged in is sent to the login."""
