"""Where products come from: files, indexes, databases; each goes on where it stopped."""
