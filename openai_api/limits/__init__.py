"""How much may be asked: found in memory, reserved in one statement, settled to what it really took."""
