# collector/input
