"""From values to text: functions that return strings and print nothing."""
