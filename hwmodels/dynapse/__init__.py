"""DYNAP-SE: analogue neurons, tags, broadcast; free running."""
