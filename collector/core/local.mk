# collector/core
