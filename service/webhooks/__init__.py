"""What shop systems send by themselves when a product changes."""
