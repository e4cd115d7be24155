"""Photos of products: fetched, encoded and kept beside the text, at their own pace."""
