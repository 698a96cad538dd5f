"""DYNAP-SE2: analogue neurons, tags, broadcast; free running."""
