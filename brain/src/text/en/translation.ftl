## Translation

