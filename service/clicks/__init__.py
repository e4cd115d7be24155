"""From what shoppers did to how relevant products are: sessions, position bias, judgements."""
