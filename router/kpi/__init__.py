"""Key figures by route and endpoint, why they changed, and what should worry somebody."""
