"""What the report and the cards show."""
