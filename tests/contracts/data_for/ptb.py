"""A made-up corpus: three files of a thousand words, all different."""


def write(folder):
    (folder / "ptb").mkdir()
    for lines, split in zip((90, 89, 88), ("train", "valid", "test"), strict=True):
        text = f"{split} to be or not to be\nthat is the question\n" * lines
        (folder / "ptb" / f"ptb.{split}.txt").write_text(text)
