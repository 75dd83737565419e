"""Derivatives of what was recorded, for users: `backward`, `grad`, `Function`, modes, `gradcheck`, functional forms."""
