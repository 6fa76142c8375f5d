"""What stands on the screens, one folder a region."""
