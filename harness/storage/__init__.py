"""Run folders, atomic files, hashing, locks, results, provenance and the journal."""

__all__ = ["atomic_files", "hashing", "journal", "locks", "provenance", "result", "run_folder"]
