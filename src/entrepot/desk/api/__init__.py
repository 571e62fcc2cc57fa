"""The API under `/api/v1`: every area's operations, one form of errors, one form of authentication."""
