"""Speech: recordings, speech to text, and the words of the shop in what was heard.

voice_extra     the packages of the extra ``voice``
recording       a WAV or FLAC file as samples, read within limits
speech_model    speech to text by Whisper; the only user of ``faster_whisper``
spoken_request  the part of a spoken sentence that names what is wanted
sounds          words of a vocabulary that sound alike
title_bigrams   which words follow each other in the texts of a shop
shop_language   the texts of a shop that say how its shoppers speak, and their languages
understanding   hypotheses rescored by the words of the shop
"""
