## Notes

