"""What all pages of ours share: look, layout, and a renderer that escapes."""
