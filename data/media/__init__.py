"""Files that items name, pictures and sounds, as a shop's files and the tables hold them.

medium   what all of them have in common: how an item names one, limits, reading of bytes
picture  pictures: formats and limits
sound    sounds: formats and limits
kinds    the list of all of these
columns  their columns in a shop's files: paths, or bytes kept in the tables
"""
