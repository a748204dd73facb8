"""Audio files.

waveform  decoding and resampling; the only user of ``soundfile`` and ``soxr``
log_mel   log-mel spectrograms
"""
