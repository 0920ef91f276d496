"""What writes models as files of other systems, a module or package each."""
