"""What to judge next: pairs by what a grade of them would change, and who judges them."""
