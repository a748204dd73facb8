"""What the candidate tower reads of many items, a batch at a time; equal to `item_tokens` of each.

text_pieces   texts cut into pieces that no rule of words looks beyond
text_tokens   token numbers of texts, each piece read once
title_tokens  token numbers of the titles of a batch, in compiled loops
batch_tokens  token numbers of the items of a batch
"""
