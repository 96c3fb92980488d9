"""What a model wrote, as HTML that is safe to show."""
