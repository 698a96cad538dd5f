"""SpiNNaker: ARM cores that wake by timers of their own; packets that wait too long are dropped."""
