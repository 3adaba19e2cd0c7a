"""What the pages' generated blocks are made of; each function returns one block's Markdown."""
