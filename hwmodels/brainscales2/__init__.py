"""BrainScaleS-2: analogue neurons, a thousand times faster than biology; free running."""
