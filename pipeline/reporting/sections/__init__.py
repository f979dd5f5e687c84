"""What each section of the report says and shows, from a run to text and pictures."""
