"""Shuffle: records that units write partitioned by key, and that later units read a partition of.

records    `Records` and `Tables`, the handles that writers and readers share
blocks     the files behind them: checksums, and where each partition lies
pieces     how they are read
partition  which partition a key belongs to, and how many there should be
units      how a verb has its units run
"""
