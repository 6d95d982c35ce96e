"""What an evaluation will ask, looked at before it is paid for."""
