"""What a person may mean while they are still typing."""
