"""Commands of `nca`, by what they are about; `main` is the entry."""
