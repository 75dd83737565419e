"""The user's handle: the only home of mutation. No mathematics here."""
